"use strict";
// All texts of the page, in English and Chinese; the browser's language decides.

const WORDS = {
  en: {
    wallpapers: "Wallpapers", search: "Search", sort: "Sort", filters: "Filters", help: "Keys",
    searchHint: "title, tag, word, credit, source", clear: "Clear filters", close: "Close",
    picture: "Picture", previous: "Previous", next: "Next", original: "Open original",
    copyPath: "Copy path", star: "Star", starred: "Starred", hide: "Hide", hidden: "Hidden",
    copied: "Path copied", noCopy: "The browser does not allow copying. The path is",
    loading: "Loading …", undone: "Undone", nothingToUndo: "Nothing to undo",
    notSaved: "Not saved: the server does not answer",
    notKept: "This browser does not keep decisions of a local file; export them before you leave",
    count: (shown, all) => `${shown.toLocaleString()} of ${all.toLocaleString()}`,
    exported: (action, count) => `Export ${action}.txt (${count})`,
    exportHint: (action) => `for: wallpapers ${action} --from ${action}.txt`,
    keepThis: "Keep this one", alike: "Look-alikes", best: "best", none: "Nothing found",
    size: "Size", source: "Source", listing: "Listing", credit: "Credit", licence: "Licence",
    page: "Page", date: "Stored", format: "Format", colour: "Colour", light: "Brightness",
    ratio: "Ratio", marks: "Mine", fresh: "New since last visit", year: "Year",
    dark: "dark", medium: "medium", bright: "light", unknown: "unknown",
    red: "red", orange: "orange", yellow: "yellow", green: "green", teal: "teal", blue: "blue",
    purple: "purple", pink: "pink", brown: "brown", black: "black", grey: "grey", white: "white",
    phone: "phone", small: "smaller", other: "other", portrait: "portrait", square: "square",
    newest: "newest", largest: "largest", byColour: "colour", byTitle: "title", shuffle: "shuffle",
    keys: [
      ["/", "search"], ["← → ↑ ↓", "move"], ["Enter", "open"], ["Esc", "close"],
      ["o", "open original"], ["c", "copy path"], ["s", "star"], ["x", "hide"], ["u", "undo"],
      ["?", "keys"],
    ],
  },
  zh: {
    wallpapers: "壁纸", search: "搜索", sort: "排序", filters: "筛选", help: "快捷键",
    searchHint: "标题、标签、关键词、作者、来源", clear: "清除筛选", close: "关闭",
    picture: "图片", previous: "上一张", next: "下一张", original: "打开原图",
    copyPath: "复制路径", star: "收藏", starred: "已收藏", hide: "隐藏", hidden: "已隐藏",
    copied: "路径已复制", noCopy: "浏览器不允许复制。路径为",
    loading: "正在加载……", undone: "已撤销", nothingToUndo: "没有可撤销的操作",
    notSaved: "未保存：服务器没有响应",
    notKept: "此浏览器不为本地文件保存记录，离开前请先导出",
    count: (shown, all) => `${shown.toLocaleString()} / ${all.toLocaleString()} 张`,
    exported: (action, count) => `导出 ${action}.txt（${count}）`,
    exportHint: (action) => `用于：wallpapers ${action} --from ${action}.txt`,
    keepThis: "保留这张", alike: "相似图片", best: "最佳", none: "没有找到",
    size: "尺寸", source: "来源", listing: "列表", credit: "作者", licence: "许可",
    page: "网页", date: "保存时间", format: "格式", colour: "颜色", light: "明暗",
    ratio: "比例", marks: "我的", fresh: "上次访问后新增", year: "年份",
    dark: "暗", medium: "中", bright: "亮", unknown: "未知",
    red: "红", orange: "橙", yellow: "黄", green: "绿", teal: "青", blue: "蓝",
    purple: "紫", pink: "粉", brown: "棕", black: "黑", grey: "灰", white: "白",
    phone: "手机", small: "较小", other: "其他", portrait: "竖图", square: "方图",
    newest: "最新", largest: "最大", byColour: "颜色", byTitle: "标题", shuffle: "随机",
    keys: [
      ["/", "搜索"], ["← → ↑ ↓", "移动"], ["Enter", "打开"], ["Esc", "关闭"],
      ["o", "打开原图"], ["c", "复制路径"], ["s", "收藏"], ["x", "隐藏"], ["u", "撤销"],
      ["?", "快捷键"],
    ],
  },
};

const language = (navigator.language || "en").toLowerCase().startsWith("zh") ? "zh" : "en";
const words = WORDS[language];

/** Put the texts into the elements that name them. */
function translate() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = words.wallpapers;
  for (const place of document.querySelectorAll("[data-word]")) {
    place.textContent = words[place.dataset.word];
  }
  for (const place of document.querySelectorAll("[data-label]")) {
    place.setAttribute("aria-label", words[place.dataset.label]);
  }
  for (const place of document.querySelectorAll("[data-hint]")) {
    place.placeholder = words[place.dataset.hint];
  }
  const keys = words.keys.flatMap(([key, effect]) => [
    element("dt", {}, element("kbd", {}, key)), element("dd", {}, effect),
  ]);
  byId("keys").append(...keys);
}
