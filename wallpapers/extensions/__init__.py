"""Extensions only watch: what the run came to, how far it is, and the feeds it fills."""
