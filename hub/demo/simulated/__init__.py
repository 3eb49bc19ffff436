"""The demonstration's kind of world at any size: many invented cases over many days, from one seed."""
