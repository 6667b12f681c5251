-- clear_members
DELETE FROM _members WHERE listing = :listing
