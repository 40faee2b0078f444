"""What several networks share; nothing else imports torch."""
