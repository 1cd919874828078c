"""Services above calls: parking, queues, voicemail, records, presence."""
