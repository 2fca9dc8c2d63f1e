"""From a user's running code to the line: what it holds, what it computes, and where that goes wrong."""
