"""Read and write stored images, in a folder or in a remote store."""
