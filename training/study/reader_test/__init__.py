"""The reader test of paper 002: can a reader tell synthetic images from real ones? Making the sheet, scoring it."""
