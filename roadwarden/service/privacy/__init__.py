"""What tells of people: for how long it is kept, handed out to them, erased; and the proof that it was."""
