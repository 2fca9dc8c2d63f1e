"""`python -m experiments` lists the studies; `python -m experiments NAME …` is `gradient-diff run NAME …`."""

import sys

from gradient_diff.cli import main

sys.argv[1:] = ["run", *sys.argv[1:]] if sys.argv[1:] else ["list"]
main()
