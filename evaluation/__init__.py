"""How good mattes are: composed benchmarks, methods, metrics, tables and a page of results."""
