"""Cross-entropy on probabilities and on logits as weights grow."""
