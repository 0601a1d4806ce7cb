-- An activation's phone bought once more: the provider's reference of that activation, and the phone.

ALTER TABLE quotes ADD COLUMN again_of TEXT NOT NULL DEFAULT '';
ALTER TABLE quotes ADD COLUMN phone TEXT NOT NULL DEFAULT ''
    CHECK ((phone = '') = (again_of = '') AND (again_of = '' OR (purpose = 'buy' AND kind = 'activation')));

ALTER TABLE numbers ADD COLUMN again_of TEXT NOT NULL DEFAULT '';
ALTER TABLE numbers ADD COLUMN again_phone TEXT NOT NULL DEFAULT ''
    CHECK ((again_phone = '') = (again_of = '') AND (again_of = '' OR kind = 'activation'));
