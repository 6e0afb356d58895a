select id as quiz_id
from {{ source('learning', 'quizzes') }}
