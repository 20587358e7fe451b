"""Looking inside: recordings of states, clamps, and cells that know something."""
