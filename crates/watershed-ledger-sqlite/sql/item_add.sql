-- Adds an item at a chunk's end.
INSERT INTO item (chunk, position, item, once, together)
VALUES (:chunk, (SELECT ifnull(max(position) + 1, 0) FROM item WHERE chunk = :chunk),
  :item, :once, :together);
