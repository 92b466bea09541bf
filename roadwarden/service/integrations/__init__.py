"""Other systems as data: their field names, codes and states to our commands, and ours to theirs."""
