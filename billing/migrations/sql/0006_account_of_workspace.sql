-- Every workspace has its account from its first moment: a key without one could not be told from a key that is none.
CREATE FUNCTION xr_account_of_workspace() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO billing_creditaccount (workspace_id) VALUES (NEW.id) ON CONFLICT (workspace_id) DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER workspace_has_account AFTER INSERT ON accounts_workspace
  FOR EACH ROW EXECUTE FUNCTION xr_account_of_workspace();
INSERT INTO billing_creditaccount (workspace_id) SELECT id FROM accounts_workspace ON CONFLICT (workspace_id) DO NOTHING;
