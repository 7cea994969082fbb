"""A call for the eye: in the terminal, as one HTML page, in a notebook, and in the local Tuner.

`story` reads a Create Call document into turns, bars and totals; everything else only draws what it found:

    document ─► story ─┬─► outline ─► terminal     lines, then colour
                       └─► html ─► notebook, pages  one self-contained page

Every document is welcome, also one that another SDK wrote: what it does not say is left out, never invented.
"""
