"""Setting up the chips of an Astribank's cards when the xpp driver asks for it: in place of its Perl scripts."""
