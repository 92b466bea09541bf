"""Operations on pictures."""
