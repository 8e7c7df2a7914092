"""What a run leaves behind: each file's name, columns, writer and reader."""
