/** GenAI's part of the tables: evaluation datasets, and what is tied to what. */
export type EvaluationTables = {
  evaluation_datasets: {
    dataset_id: string;
    name: string;
    digest: string | null;
    created_time: number | null;
    last_update_time: number | null;
    created_by: string | null;
    last_updated_by: string | null;
    workspace: string;
  };
  evaluation_dataset_tags: { dataset_id: string; key: string; value: string | null };
  entity_associations: {
    association_id: string;
    source_type: string;
    source_id: string;
    destination_type: string;
    destination_id: string;
    created_time: number | null;
  };
};
