select
    id as insurance_document_id,
    booking_id,
    status,
    submitted_at,
    reviewed_at
from {{ source('rental', 'insurance_documents') }}
