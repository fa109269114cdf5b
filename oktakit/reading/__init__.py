"""Files in any delivery, to events as Okta documents them."""
