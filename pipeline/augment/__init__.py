"""Operations that change pictures at random, a file each."""
