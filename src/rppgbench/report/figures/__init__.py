"""Figures of the report, one module for each.

A module adds a figure to the report page with `registry.figure`; no list has to be edited. Figures
of a section or of another page (sweep, ranks, waterfall, waveforms) are functions that their page
calls. Both share `frame.draw_framed`.
"""
