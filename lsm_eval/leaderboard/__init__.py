"""What people look at: a static site built from records."""
