"""What is in the model folders: found, identified by header, named, hashed. No torch."""
