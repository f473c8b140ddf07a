"""A page to look at the stored wallpapers, to find some of them, and to star and hide them."""
