-- An id may come twice: an order that was stored twice is to be seen, not refused.
CREATE TABLE orders (id text NOT NULL, item text NOT NULL, stored timestamptz NOT NULL DEFAULT now());

