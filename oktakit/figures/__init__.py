"""Tables to plotly figures that say what they leave out."""
