"""Layout of the flat arrays of a packed model: the numbers of its plan.

A plan is one int64 array: the head below, then one block of ``LAYER`` numbers for each layer. Units are cut into
blocks of 64. The weights of a layer with G gates lie as [block][gate][input panel, recurrent panel], in the order in
which a step reads them; a panel is [k][64 columns], see ``ostinato.engine.compiled.tiles``.
"""

from __future__ import annotations

PANEL = 64

# Kinds of core.
ELMAN_TANH, ELMAN_RELU, GRU, LSTM, CAPPED_LSTM = range(5)  # from LSTM on, they have a cell and four gates

# The head of a plan.
(
    KIND,  # which core
    LAYERS,
    GATES,  # G
    WIDTH,  # H, filled up to whole blocks
    SYMBOLS,  # V
    OUTPUT,  # V, filled up to whole panels
    RESIDUAL,
    TABLE,  # number in ``floats`` of the first layer's table, [V + 1, block, gate, 64]; -1 where there is none
    EMBEDDING,  # number in ``floats`` of the embedding, [V + 1, embedding width]; -1 where the table replaces it
    EMBEDDING_WIDTH,  # filled up
    OUTPUT_WEIGHTS,  # number of the output layer's first weight
    OUTPUT_ROWS,  # number of its first row in ``scales`` and ``sums``
    OUTPUT_BIAS,  # number in ``floats``
    SLOT,  # numbers of one row in a slot of activations: the widest input
    HEAD,
) = range(15)

# The block of a layer, at HEAD + layer * LAYER.
(
    INPUT,  # width K of its input; 0 where the table gives the product
    WEIGHTS,  # number of its first weight
    ROWS,  # number of its first row in ``scales`` and ``sums``
    BIAS,  # number in ``floats``, [block, gate, 64]; -1: the table has it
    CANDIDATE_BIAS,  # of a GRU, [block, 64]
    SOURCE,  # slot of activations that its input lies in
    LAYER,
) = range(7)

#: Slots of activations: 0 is the embedding or the sum of a residual stack, 1 + l what layer l has put out.
FIRST_HIDDEN = 1
