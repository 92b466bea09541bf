"""One module a migration, named by its number; each is small and never edited once released."""
