"""Work with the stored images: describe them, find look-alikes, search and export them."""
