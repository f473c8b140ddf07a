"""Write or serve a page on which stored wallpapers are found, starred and hidden."""
