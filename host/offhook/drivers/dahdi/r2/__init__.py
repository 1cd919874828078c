"""MFC/R2 trunks: calls whose line signals are bits and whose register signals are tones on the channel itself."""
