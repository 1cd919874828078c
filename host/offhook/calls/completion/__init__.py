"""Call completion (CCSS): who could not be reached is called again when both parties are free."""
