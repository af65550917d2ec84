SELECT passing_create(:client_id);
SELECT passing_use(:client_id);
SELECT passing_drop(:client_id);
SELECT load_look();
