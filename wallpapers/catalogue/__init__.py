"""Record which wallpapers were listed, stored, filtered or failed, in SQLite or PostgreSQL."""
