"""What a teacher gets who marks a class: one page of all, and a letter for each."""
