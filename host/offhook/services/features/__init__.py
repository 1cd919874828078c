"""What parties of a call do by DTMF codes: transfers, disconnecting, parking, applications of one's own."""
