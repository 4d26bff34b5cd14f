"""Charts: records in, plotly figure out. Colours are `var(--name)`; the page's script fills in the reader's theme.

Categories stand on numbered axes and are only labelled with names: two long names may be shortened alike, and
would else become one.
"""
