"""JupyterLab: the explorer, the form, the case log, and the report that a notebook becomes."""
