"""People out of identifiers: which logins, e-mails, devices and cookies are one person, and when."""
