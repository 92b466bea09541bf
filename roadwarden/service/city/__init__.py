"""A city in small, made by chance and driven through the real services: what pages are shown and tried on."""
