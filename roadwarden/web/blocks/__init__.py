"""What pages of figures show, as data: facts, tables and charts in the reader's language; figures.js draws."""
