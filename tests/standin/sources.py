"""Stand-ins of the other sources, each with the keys and habits of real answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from tests.pictures import encoded, noise
from wallpapers.demo.gallery import Exhibit
from wallpapers.demo.standin import StandIn

_SCRAMBLED = str.maketrans("7dgjmoru140852vsnkheb963wtqplifca", "0123456789abcdefghijklmnopqrstuvw")


def scramble(address: str) -> str:
    """Return *address* as acjson has it."""
    text = address.translate(_SCRAMBLED)
    return text.replace(":", "_z2C$q").replace(".", "_z&e3B").replace("/", "AzdH3F")


class SearchStandIn(StandIn):
    """``/search/acjson``: refuses requests that lack a cookie or one of three headers."""

    path = "/search/acjson"
    echoes = ()
    cookie = "BAIDUID=0123456789ABCDEF:FG=1"
    repeats_from = 1000
    without_originals = False

    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.get("/", self.home), web.get("/it/{name}", self.preview)]

    async def home(self, request: web.Request) -> web.StreamResponse:
        return web.Response(
            text="<title>百度图片</title>",
            content_type="text/html",
            headers={"Set-Cookie": f"{self.cookie}; path=/"},
        )

    async def preview(self, request: web.Request) -> web.StreamResponse:
        sign = request.match_info["name"].split(",")[0].removeprefix("u=")
        return web.Response(body=encoded(noise(int(sign), 48, 32)), content_type="image/jpeg")

    async def listing(self, request: web.Request) -> web.StreamResponse:
        headers = request.headers
        known = self.cookie in headers.get("Cookie", "")
        browser = headers.get("User-Agent", "").startswith("Mozilla/5.0 (")
        language = headers.get("Accept-Language", "").startswith("zh")
        if not (known and browser and language and headers.get("Referer") == f"{self.origin}/"):
            return web.json_response({"antiFlag": 1, "message": "Forbid spider access"})
        if request.query.get("newReq") == "1":
            return await self.images(request)
        return await super().listing(request)

    async def images(self, request: web.Request) -> web.StreamResponse:
        first = self.offset(request)
        shown = self.exhibits[first : first + self.count(request)]
        images = [self.image(exhibit) for exhibit in shown]
        answer: dict[str, Any] = {"errno": 0, "data": {"images": [*images, {}]}}
        return web.json_response(answer if images else {"errno": 1, "data": {}})

    def offset(self, request: web.Request) -> int:
        return super().offset(request) % self.repeats_from

    def answer(self, first: int, exhibits: Sequence[Exhibit]) -> dict[str, Any]:
        return {
            "queryEnc": "%B1%DA%D6%BD",
            "queryExt": "壁纸",
            "listNum": len(self.exhibits),
            "displayNum": 116812,
            "gsm": f"{first:x}",
            "bdFmtDispNum": "约116,000",
            "bdSearchTime": "",
            "isNeedAsyncRequest": 0,
            "bdIsClustered": "1",
            "data": [*(self.entry(exhibit) for exhibit in exhibits), {}],
        }

    def original(self, exhibit: Exhibit) -> str:
        return f"{self.origin}/image/pic/item/{exhibit.sign}.jpg"

    def thumbnail(self, exhibit: Exhibit) -> str:
        return f"{self.origin}/it/u={exhibit.id},1&fm=26&gp=0.jpg"

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        thumb = self.thumbnail(exhibit)
        page = f"{self.origin}/pins/{exhibit.id}/"
        texts = """
            adType hasAspData largeTnImageUrl fromURLHost currentIndex type strategyAssessment
            filesize bdSrcType di pi is imgCollectionWord hasThumbData fromPageTitleEnc bdSourceName
            bdFromPageTitlePrefix token imgType os simid personalized adPicId source_type
        """
        numbers = "hasLarge pageNum is_gif isCopyright bdSetImgNum partnerId spn isAspDianjing"
        return {
            **dict.fromkeys(texts.split(), ""),
            **dict.fromkeys(numbers.split(), 0),
            **dict.fromkeys(("resourceInfo", "simid_info", "face_info", "xiangshi_info")),
            "thumbURL": thumb,
            "middleURL": thumb,
            "hoverURL": thumb,
            "objURL": "" if self.without_originals else scramble(self.original(exhibit)),
            "fromURL": scramble(page),
            "width": exhibit.width,
            "height": exhibit.height,
            "replaceUrl": [],
            "bdImgnewsDate": f"{exhibit.date} 22:20",
            "fromPageTitle": f"<strong>{exhibit.title}</strong>",
            "cs": f"{exhibit.id},1",
        }

    def image(self, exhibit: Exhibit) -> dict[str, Any]:
        return {
            "thumburl": self.thumbnail(exhibit),
            "objurl": self.original(exhibit),
            "titleShow": exhibit.title,
        }


class ChannelStandIn(StandIn):
    """``/channel/listjson``."""

    path = "/channel/listjson"
    echoes = ("tag1", "tag2")

    def answer(self, first: int, exhibits: Sequence[Exhibit]) -> dict[str, Any]:
        return {
            "totalNum": len(self.exhibits),
            "start_index": first,
            "return_number": len(exhibits),
            "data": [*(self.entry(exhibit) for exhibit in exhibits), {}],
        }

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        address = f"{self.origin}/image/pic/item/{exhibit.sign}.jpg"
        return {
            "id": exhibit.id,
            "setId": "-1",
            "pn": 0,
            "abs": exhibit.title,
            "desc": exhibit.title,
            "tags": list(exhibit.tags),
            "date": exhibit.date,
            "image_url": address,
            "image_width": exhibit.width,
            "image_height": exhibit.height,
            "download_url": address,
            "thumbnail_url": f"{self.origin}/it/u=2,{exhibit.id}&fm=25&gp=0.jpg",
            "from_url": f"{self.origin}/pins/{exhibit.id}/",
            "obj_url": address,
            "share_url": "",
            "colum": "壁纸",
        }


class FlipStandIn(SearchStandIn):
    """``/search/flip``: the same results, plain, inside of a script."""

    path = "/search/flip"
    content_type = "text/html"
    per_page = 20

    def count(self, request: web.Request) -> int:
        return self.per_page

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        return {**super().entry(exhibit), "objURL": self.original(exhibit)}

    def encode(self, answer: dict[str, Any]) -> bytes:
        head = "<!DOCTYPE html><html><head><title>百度图片</title></head><body>"
        if answer["data"] == [{}]:
            return f"{head}<p>抱歉，没有找到与“壁纸”相关的图片。</p></body></html>".encode()
        results = json.dumps(answer, ensure_ascii=False).replace("</", "<\\/")
        script = (
            f"<script>flip.setData('imgData', {results});\nflip.setData('page', {{}});</script>"
        )
        return f"{head}{script}</body></html>".encode()


class BingStandIn(StandIn):
    """``/HPImageArchive.aspx``: eight a page, idx up to 7; addresses without a host."""

    path = "/HPImageArchive.aspx"
    echoes = ()

    def routes(self) -> list[web.RouteDef]:
        return [*super().routes(), web.get("/th", self.sized)]

    def offset(self, request: web.Request) -> int:
        return min(int(request.query["idx"]), 7)

    def count(self, request: web.Request) -> int:
        return min(int(request.query["n"]), 8)

    def answer(self, first: int, exhibits: Sequence[Exhibit]) -> dict[str, Any]:
        return {"images": [self.entry(exhibit) for exhibit in exhibits], "tooltips": {}}

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        base = f"/th?id=OHR.{exhibit.sign}"
        return {
            **dict.fromkeys(("fullstartdate", "enddate", "quiz"), ""),
            "startdate": exhibit.date.replace("-", ""),
            "url": f"{base}_1920x1080.jpg&rf=LaDigue_1920x1080.jpg&pid=hp",
            "urlbase": base,
            "copyright": f"{exhibit.title} (© nobody)",
            "copyrightlink": f"/search?q={exhibit.id}",
            "title": exhibit.title,
            "wp": True,
            "hsh": exhibit.id,
            **dict.fromkeys(("drk", "top", "bot"), 1),
            "hs": [],
        }

    async def sized(self, request: web.Request) -> web.StreamResponse:
        sign = request.query["id"].removeprefix("OHR.").partition("_")[0]
        exhibit = next(exhibit for exhibit in self.exhibits if exhibit.sign == sign)
        return await self.picture(request, exhibit)


class WallhavenStandIn(StandIn):
    """``/api/v1/search``: pages by number; what is not safe for work needs a key."""

    path = "/api/v1/search"
    echoes = ()
    key = "canary-0123456789"
    per_page = 24

    async def listing(self, request: web.Request) -> web.StreamResponse:
        if (
            request.query.get("purity", "") == "001"
            and request.headers.get("X-API-Key") != self.key
        ):
            return web.json_response({"error": "Unauthorized"}, status=401)
        return await super().listing(request)

    def offset(self, request: web.Request) -> int:
        return (int(request.query["page"]) - 1) * self.per_page

    def count(self, request: web.Request) -> int:
        return self.per_page

    def answer(self, first: int, exhibits: Sequence[Exhibit]) -> dict[str, Any]:
        return {
            "data": [self.entry(exhibit) for exhibit in exhibits],
            "meta": {
                "current_page": first // self.per_page + 1,
                "last_page": max(1, -(-len(self.exhibits) // self.per_page)),
                "per_page": self.per_page,
                "total": len(self.exhibits),
                "query": "",
                "seed": "abc123",
            },
        }

    def entry(self, exhibit: Exhibit) -> dict[str, Any]:
        return {
            "id": exhibit.sign[:6],
            "url": f"{self.origin}/w/{exhibit.sign[:6]}",
            "short_url": "",
            "views": 12,
            "favorites": 0,
            "source": "",
            "purity": "sfw",
            "category": "general",
            "dimension_x": exhibit.width,
            "dimension_y": exhibit.height,
            "resolution": f"{exhibit.width}x{exhibit.height}",
            "ratio": "1.5",
            "file_size": 1,
            "file_type": "image/jpeg",
            "created_at": f"{exhibit.date} 01:23:10",
            "colors": ["#000000"],
            "path": f"{self.origin}/image/pic/item/{exhibit.sign}.jpg",
            "thumbs": {},
        }
