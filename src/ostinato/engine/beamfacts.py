"""The numbers that a compiled beam search reads and keeps."""

from __future__ import annotations

(
    WIDTH,  # K
    N_BEST,
    PATIENCE,  # stop when so many have ended; 0: when that is exact
    MAY_RISE,  # whether a rule can add to a log-probability
    GNMT,  # whether lengths are normalised by GNMT's formula
    ROWS,  # how many rows go on
    COUNT,  # how many hypotheses have ended whole
    ENDED,  # how many were noted in this call
    IS_OTHER,  # whether the states lie in the other arrays
    STEPS_DONE,  # steps chosen in this call
    BEAM_FACTS,
) = range(11)
