"""`python -m experiments` lists the studies; `python -m experiments NAME …` is `gradient-diff run NAME …`."""

import sys

from experiments.command import app

app(args=["run", *sys.argv[1:]] if sys.argv[1:] else ["list"], prog_name="python -m experiments")
