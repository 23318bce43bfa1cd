"""Charts: one description of a chart, and its renderings as a Plotly figure and as a PNG.

``spec`` holds the description (:class:`~app.analysis.charts.spec.Chart`); ``bars``,
``curves``, ``points``, ``distributions`` and ``grids`` make descriptions from values;
``plotly_figure`` and ``png`` render them; ``write`` stores both side by side.
"""
