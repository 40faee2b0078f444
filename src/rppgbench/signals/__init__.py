"""Array programs over many signals: filters, spectra, rates."""
