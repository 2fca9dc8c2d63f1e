"""The peers: how other libraries and courses check a gradient, each behind one question, with its own defaults.

Each is imported when it is first asked for; one that is not installed is told apart from one that says no.
"""

from experiments.benchmarks.detection.peers.peer import Check, HandAndTape, Peer, accepts
from experiments.benchmarks.detection.peers.table import PEERS

__all__ = ["PEERS", "Check", "HandAndTape", "Peer", "accepts"]
