"""How far two arrays are apart, in numbers, in one pass over blocks that fit the cache; no judgement here."""
