"""All factorisations under one protocol: the same heads in the same six styles, the same questions to every method."""
